package architecture

import (
	"bytes"
	"go/ast"
	"path"
	"strings"
	"testing"
)

// maxLines is where a file stops to hold one thing. The models of the field are readable at 100 to 600 lines.
const maxLines = 700

// exits are the calls that end the process or take over its signals, as package and function.
var exits = map[string]bool{
	"os.Exit": true, "syscall.Exit": true,
	"log.Fatal": true, "log.Fatalf": true, "log.Fatalln": true,
	"signal.Notify": true, "signal.NotifyContext": true, "signal.Ignore": true,
}

// skips are the methods by which a test says that it did not run.
var skips = map[string]bool{"Skip": true, "Skipf": true, "SkipNow": true}

// registries are hosts of package registries. Each is written in two parts so that this file keeps its own rule.
var registries = []string{
	"proxy.golang" + ".org", "sum.golang" + ".org",
	"registry.npmjs" + ".org", "registry.yarnpkg" + ".com",
	"pypi" + ".org", "pythonhosted" + ".org",
	"crates" + ".io", "rubygems" + ".org",
	"repo.maven" + ".apache.org", "repo1.maven" + ".org",
	"deb.debian" + ".org", "archive.ubuntu" + ".com",
}

func TestOnlyMainEndsTheProcess(t *testing.T) {
	for _, file := range parseTree(t) {
		if file.isTest || path.Base(file.path) == "main.go" {
			continue
		}
		eachCall(file, func(call *ast.CallExpr, name string) {
			if exits[name] {
				t.Errorf("%s: %s: only main.go ends the process or listens to signals; return an error",
					file.position(call), name)
			}
		})
	}
}

func TestNoInitFunctions(t *testing.T) {
	for _, file := range parseTree(t) {
		for _, decl := range file.syntax.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: func init: build it in New or Open, where the order can be read", file.position(fn))
			}
		}
	}
}

func TestNoTestIsSkipped(t *testing.T) {
	for _, file := range parseTree(t) {
		if !file.isTest {
			continue
		}
		eachCall(file, func(call *ast.CallExpr, name string) {
			receiver, method, _ := strings.Cut(name, ".")
			if skips[method] && len(receiver) == 1 { // t, b, f: what testing hands out
				t.Errorf("%s: %s: install what the test needs, or remove the test", file.position(call), name)
			}
		})
	}
}

func TestFilesHoldOneThing(t *testing.T) {
	for _, file := range parseTree(t) {
		if file.lines > maxLines {
			t.Errorf("%s has %d lines, more than %d: split it by what it holds", file.path, file.lines, maxLines)
		}
	}
}

func TestNoRegistryHosts(t *testing.T) {
	walkTree(t, func(name string, content []byte) {
		for _, host := range registries {
			if bytes.Contains(content, []byte(host)) {
				t.Errorf("%s names %s: the machine that builds says where packages come from", name, host)
			}
		}
	})
}

// eachCall visits the calls of a file of the form package.Function or receiver.Method.
func eachCall(file goFile, visit func(call *ast.CallExpr, name string)) {
	ast.Inspect(file.syntax, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if left, ok := selector.X.(*ast.Ident); ok {
			visit(call, left.Name+"."+selector.Sel.Name)
		}
		return true
	})
}
