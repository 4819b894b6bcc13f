package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// comments holds what the Go source says about types and their fields, which reflection does not see. The key is Type or
// Type.Field.
type comments map[string]string

func readComments(file string) (comments, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	found := comments{}
	for _, declaration := range parsed.Decls {
		types, ok := declaration.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		for _, spec := range types.Specs {
			named := spec.(*ast.TypeSpec)
			found[named.Name.Name] = oneLine(types.Doc)
			fields, ok := named.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range fields.Fields.List {
				for _, name := range field.Names {
					found[named.Name.Name+"."+name.Name] = oneLine(field.Comment)
				}
			}
		}
	}
	return found, nil
}

func oneLine(group *ast.CommentGroup) string {
	text := strings.Join(strings.Fields(group.Text()), " ")
	if text == "…" {
		return ""
	}
	return text
}
