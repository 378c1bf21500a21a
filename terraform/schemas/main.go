// Command standin is a Terraform provider that knows what a real one accepts, and does nothing.
//
// Where the real provider can't be had, Terraform itself then still checks every argument, type, block and reference
// against the distilled schema beside this file, and writes a plan without an account in any cloud. It never creates
// anything: applying is refused.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

func main() {
	// terraform-provider-<name>_v<version>
	name, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(os.Args[0]), "terraform-provider-"), "_")
	schema, err := load(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, "standin:", err)
		os.Exit(1)
	}
	serve := func() tfprotov6.ProviderServer { return &provider{schema: schema} }
	if err := tf6server.Serve("registry.terraform.io/"+schema.source, serve); err != nil {
		fmt.Fprintln(os.Stderr, "standin:", err)
		os.Exit(1)
	}
}
