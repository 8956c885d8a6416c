package restapi

import (
	"context"

	"winback/connectors"
	"winback/connectors/spec"
)

// App is an app, or integration, that a person granted access by OAuth 2.0. Where its
// refresh token is good for one use, the program keeps each next one in the project's
// state.
type App struct {
	ClientID     string      `yaml:"client_id" doc:"id of the app, or integration"`
	ClientSecret spec.Secret `yaml:"client_secret" doc:"its secret" example:"${CRM_CLIENT_SECRET}"`
	RefreshToken spec.Secret `yaml:"refresh_token" doc:"refresh token of the first grant" example:"${CRM_REFRESH_TOKEN}"`
}

// Check refuses an app that is not whole, one beside a token that needs no renewal, and
// neither of them. what says where such a token comes from. n is the source.
func (a App) Check(token spec.Secret, what string, n spec.Node, errs *spec.Errors) {
	given := a.ClientID != "" || a.ClientSecret != "" || a.RefreshToken != ""
	switch {
	case token == "" && !given:
		errs.Addf(n, "wants token, %s, or oauth", what)
	case token != "" && given:
		errs.Addf(n.Get("oauth"), "token and oauth exclude each other: %s needs no renewal", what)
	case given && (a.ClientID == "" || a.ClientSecret == "" || a.RefreshToken == ""):
		errs.Addf(n.Get("oauth"), "wants client_id, client_secret and refresh_token")
	}
}

// Auth signs with access tokens that are renewed. exchange asks for new ones.
func (a App) Auth(env connectors.Env, exchange func(ctx context.Context, refresh string) (Tokens, error)) Auth {
	return &OAuth{
		Grant: Tokens{Refresh: a.RefreshToken.Reveal()}, Folder: env.State, Also: []string{a.ClientSecret.Reveal()}, Exchange: exchange,
	}
}

// AskTokens asks an authorisation server for tokens. No secret of the app, nor the token
// it has, is in what is said of errors.
func (a App) AskTokens(ctx context.Context, refresh string, o Options, r Request) (Tokens, error) {
	o.Auth = Unsigned(refresh, a.ClientSecret.Reveal())
	return AskTokens(ctx, o, r)
}
