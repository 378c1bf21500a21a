// Command standin is a mock Terraform provider with the schema of a real one. It does nothing.
//
// Without the real provider, Terraform still checks every argument, type, block and reference
// against the extracted schema in this folder, and writes a plan without a cloud account. It never creates
// anything: apply fails.
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
