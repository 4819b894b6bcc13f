package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// comments holds what the Go source says about types and their fields, methods and codes, which reflection does not see. The
// key is Type, Type.Field, the name in a table's entry, or the number that a constant is.
type comments map[string]string

func readComments(files ...string) (comments, error) {
	found := comments{}
	for _, file := range files {
		positions := token.NewFileSet()
		parsed, err := parser.ParseFile(positions, file, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		found.readTypes(parsed)
		found.readTables(positions, parsed)
		found.readNumbers(parsed)
	}
	return found, nil
}

func (found comments) readTypes(parsed *ast.File) {
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
}

// readTables reads the comments on the entries of tables: on the lines before an entry, or after it on its last line. An
// entry's name is the first string in it.
func (found comments) readTables(positions *token.FileSet, parsed *ast.File) {
	line := func(at token.Pos) int { return positions.Position(at).Line }
	ending, starting := map[int]*ast.CommentGroup{}, map[int]*ast.CommentGroup{}
	for _, group := range parsed.Comments {
		ending[line(group.End())], starting[line(group.Pos())] = group, group
	}
	for _, declaration := range parsed.Decls {
		ast.Inspect(declaration, func(node ast.Node) bool {
			table, ok := node.(*ast.CompositeLit)
			if !ok {
				return true
			}
			for _, entry := range table.Elts {
				group := starting[line(entry.End())]
				if group == nil {
					group = ending[line(entry.Pos())-1]
				}
				if name := firstString(entry); name != "" && group != nil {
					found[name] = oneLine(group)
				}
			}
			return false
		})
	}
}

// readNumbers reads the comments behind constants that are numbers.
func (found comments) readNumbers(parsed *ast.File) {
	for _, declaration := range parsed.Decls {
		constants, ok := declaration.(*ast.GenDecl)
		if !ok || constants.Tok != token.CONST {
			continue
		}
		for _, spec := range constants.Specs {
			named := spec.(*ast.ValueSpec)
			if len(named.Values) != 1 || named.Comment == nil {
				continue
			}
			if number, ok := named.Values[0].(*ast.BasicLit); ok && number.Kind == token.INT {
				found[number.Value] = oneLine(named.Comment)
			}
		}
	}
}

func firstString(entry ast.Node) (value string) {
	ast.Inspect(entry, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING && value == "" {
			value = strings.Trim(literal.Value, "\"`")
		}
		return value == ""
	})
	return value
}

func oneLine(group *ast.CommentGroup) string {
	text := strings.Join(strings.Fields(group.Text()), " ")
	if text == "…" {
		return ""
	}
	return text
}
