package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"winback/pipelines/users"
)

// passwordSource says where a password comes from.
type passwordSource struct {
	makeOne bool
	file    string
}

func (s *passwordSource) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&s.makeOne, "make", false, "make a password and print it")
	cmd.Flags().StringVar(&s.file, "password-file", "", "`file` whose first line is the password")
	cmd.MarkFlagsMutuallyExclusive("make", "password-file")
}

// password gives the password of a user, and whether it was made.
func (a *app) password(cmd *cobra.Command, name string, from passwordSource) (password string, made bool, err error) {
	in := cmd.InOrStdin()
	terminal, isFile := in.(*os.File)
	switch {
	case from.makeOne:
		return users.NewPassword(), true, nil
	case from.file != "":
		f, err := os.Open(from.file)
		if err != nil {
			return "", false, fmt.Errorf("read the password: %w", err)
		}
		defer f.Close()
		password, err = firstLine(f)
		return password, false, err
	case isFile && term.IsTerminal(int(terminal.Fd())):
		return a.askPassword(cmd.Context(), terminal, name)
	}
	password, err = firstLine(in)
	return password, false, err
}

// firstLine reads a password without the end of its line.
func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", usageError{errors.New("no password came by standard input; --make makes one")}
	}
	if err := users.CheckPassword(line); err != nil {
		return "", usageError{err}
	}
	return line, nil
}

// askPassword asks on a terminal, twice, until both are the same.
func (a *app) askPassword(ctx context.Context, terminal *os.File, name string) (password string, made bool, err error) {
	for {
		first, err := a.typed(ctx, terminal, "Password of "+name+" (empty: one is made): ")
		if err != nil {
			return "", false, err
		}
		if first == "" {
			return users.NewPassword(), true, nil
		}
		if err := users.CheckPassword(first); err != nil {
			fmt.Fprintln(a.stderr, err)
			continue
		}
		second, err := a.typed(ctx, terminal, "Once more: ")
		if err != nil {
			return "", false, err
		}
		if first == second {
			return first, false, nil
		}
		fmt.Fprintln(a.stderr, "The two differ.")
	}
}

// typed reads a line that is not shown. When it is broken off the terminal is as
// it was.
func (a *app) typed(ctx context.Context, terminal *os.File, prompt string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("ask for the password: %w", err)
	}
	fmt.Fprint(a.stderr, prompt)
	defer fmt.Fprintln(a.stderr)
	type answer struct {
		text []byte
		err  error
	}
	came := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		came <- answer{text, err}
	}()
	select {
	case got := <-came:
		if got.err != nil {
			return "", fmt.Errorf("ask for the password: %w", got.err)
		}
		return string(got.text), nil
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}
