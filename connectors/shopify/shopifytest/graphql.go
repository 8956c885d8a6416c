package shopifytest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// selection is a field of a query, or an inline fragment.
type selection struct {
	name   string
	on     string // type of a fragment
	args   map[string]any
	fields []selection
	leaf   bool
}

// variable stands for its value in arguments.
type variable string

// parser reads the part of GraphQL that queries of one operation need.
type parser struct {
	tokens []string
	at     int
}

func parse(text string) (operation string, fields []selection, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("syntax error: %v", r)
		}
	}()
	p := &parser{tokens: tokens(text)}
	operation = "query"
	if p.peek() != "{" {
		operation = p.next()
		if p.peek() == "(" {
			for p.next() != ")" {
			}
		}
	}
	fields = p.set()
	if p.at != len(p.tokens) {
		panic("text after the query")
	}
	return operation, fields, nil
}

// tokens cuts a text: punctuation, words, strings with their quotes.
func tokens(text string) []string {
	var list []string
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case strings.IndexByte(" \t\r\n,", c) >= 0:
			i++
		case strings.HasPrefix(text[i:], "..."):
			list = append(list, "...")
			i += 3
		case c == '"':
			end := i + 1
			for text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			list = append(list, text[i:end+1])
			i = end + 1
		case strings.IndexByte("{}()[]:!", c) >= 0:
			list = append(list, string(c))
			i++
		default:
			end := i
			for end < len(text) && strings.IndexByte(" \t\r\n,{}()[]:!\"", text[end]) < 0 {
				end++
			}
			list = append(list, text[i:end])
			i = end
		}
	}
	return list
}

func (p *parser) peek() string {
	if p.at >= len(p.tokens) {
		return ""
	}
	return p.tokens[p.at]
}

func (p *parser) next() string {
	token := p.tokens[p.at]
	p.at++
	return token
}

func (p *parser) want(token string) {
	if got := p.next(); got != token {
		panic(fmt.Sprintf("expected %s, got %s", token, got))
	}
}

func (p *parser) set() []selection {
	p.want("{")
	var list []selection
	for p.peek() != "}" {
		list = append(list, p.selection())
	}
	p.next()
	return list
}

func (p *parser) selection() selection {
	if p.peek() == "..." {
		p.next()
		p.want("on")
		on := p.next()
		return selection{on: on, fields: p.set()}
	}
	s := selection{name: p.next(), args: map[string]any{}, leaf: true}
	if p.peek() == "(" {
		p.next()
		for p.peek() != ")" {
			name := p.next()
			p.want(":")
			s.args[name] = p.value()
		}
		p.next()
	}
	if p.peek() == "{" {
		s.fields, s.leaf = p.set(), false
	}
	return s
}

func (p *parser) value() any {
	token := p.next()
	if rest, ok := strings.CutPrefix(token, "$"); ok {
		return variable(rest)
	}
	var value any
	if json.Unmarshal([]byte(token), &value) == nil {
		return value
	}
	return token // a word of an enumeration
}

// bound puts the values of variables into arguments.
func bound(fields []selection, variables map[string]any) {
	for i := range fields {
		for name, value := range fields[i].args {
			if v, ok := value.(variable); ok {
				fields[i].args[name] = variables[string(v)]
			}
		}
		bound(fields[i].fields, variables)
	}
}
