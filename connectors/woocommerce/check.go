package woocommerce

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"winback/connectors"
	"winback/connectors/restapi"
)

// Check logs in, counts, and shows rows of every dataset.
func (s *source) Check(ctx context.Context) ([]connectors.Finding, error) {
	return connectors.CheckBySample(ctx, s, s.about)
}

// about counts what a dataset has.
func (s *source) about(ctx context.Context, dataset string) (string, error) {
	switch dataset {
	case customersDataset:
		n, err := s.count(ctx, "customers", url.Values{"role": {"all"}})
		return fmt.Sprintf("%s has %d users, guests not counted", s.config.URL, n), err
	case productsDataset:
		n, err := s.count(ctx, "products", url.Values{"status": {anyStatus}})
		return fmt.Sprintf("%s has %d products, variations not counted", s.config.URL, n), err
	}
	n, err := s.count(ctx, "orders", url.Values{"status": {anyStatus}})
	if err != nil {
		return "", err
	}
	trash, err := s.count(ctx, "orders", url.Values{"status": {trashStatus}})
	return fmt.Sprintf("%s has %d orders, and %d in the trash", s.config.URL, n, trash), err
}

func (s *source) count(ctx context.Context, path string, query url.Values) (int, error) {
	query.Set("per_page", "1")
	query.Set("_fields", "id")
	p, err := s.get(ctx, restapi.Request{Path: s.config.path(path), What: path, Query: query}, false)
	return max(p.total, 0), err
}

func isInvalid(err error) bool {
	return restapi.CodeOf(err) == invalidParameter || restapi.StatusOf(err) == http.StatusBadRequest
}
