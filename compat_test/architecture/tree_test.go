package architecture

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the module's path, and root where it lies seen from this package.
const (
	module = "quipu"
	root   = "../.."
)

// generatedTrees hold no sources: what builds leave behind, and other modules.
var generatedTrees = []string{".git", "build", "data", "tools"}

// goFile is one parsed source of the module.
type goFile struct {
	path   string // below the module's root, with slashes
	pkg    string // directory of path: "." for the root
	isTest bool
	lines  int
	syntax *ast.File
	fset   *token.FileSet
}

// position renders where a node stands as file:line.
func (f goFile) position(node ast.Node) string {
	return f.path + ":" + strconv.Itoa(f.fset.Position(node.Pos()).Line)
}

// parseTree parses every Go file of the module, in lexical order.
func parseTree(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	walkTree(t, func(name string, content []byte) {
		if path.Ext(name) == ".go" {
			files = append(files, parseFile(t, name, content))
		}
	})
	if len(files) == 0 {
		t.Fatal("no Go files found: the tests of this package look in the wrong place")
	}
	return files
}

func parseFile(t *testing.T, name string, content []byte) goFile {
	t.Helper()
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, name, content, parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("parsing %s: %v", name, err)
	}
	return goFile{
		path:   name,
		pkg:    path.Dir(name),
		isTest: strings.HasSuffix(name, "_test.go"),
		lines:  bytes.Count(content, []byte("\n")),
		syntax: syntax,
		fset:   fset,
	}
}

// walkTree calls visit with the path and the content of every file of the module.
func walkTree(t *testing.T, visit func(name string, content []byte)) {
	t.Helper()
	err := filepath.WalkDir(root, func(full string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(full, root+string(filepath.Separator)))
		if entry.IsDir() {
			if slices.Contains(generatedTrees, name) {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(full)
		if err != nil {
			return err
		}
		visit(name, content)
		return nil
	})
	if err != nil {
		t.Fatalf("walking the tree: %v", err)
	}
}

// internalImports lists the packages of this module that a file imports, by their path below the module.
func internalImports(file goFile) []string {
	var targets []string
	for _, spec := range file.syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has accepted it, so it cannot happen
		}
		if imported == module {
			targets = append(targets, ".")
		} else if below, ok := strings.CutPrefix(imported, module+"/"); ok {
			targets = append(targets, below)
		}
	}
	return targets
}

// within tells whether pkg is tree or lies below it.
func within(pkg, tree string) bool {
	return pkg == tree || strings.HasPrefix(pkg, tree+"/")
}
