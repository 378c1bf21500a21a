package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

//go:embed *.json
var files embed.FS

// schema is a provider's schema in Terraform's format.
type schema struct {
	source        string
	configuration *tfprotov6.Schema
	resources     map[string]*tfprotov6.Schema
}

// document is an extracted schema file.
type document struct {
	Provider      string           `json:"provider"`
	Configuration block            `json:"configuration"`
	Resources     map[string]block `json:"resources"`
}

type block struct {
	Attributes map[string]json.RawMessage `json:"attributes"`
	Blocks     map[string]nested          `json:"blocks"`
}

type nested struct {
	block
	Nesting  string `json:"nesting"`
	Required bool   `json:"required"`
	Many     bool   `json:"many"`
}

func load(name string) (*schema, error) {
	text, err := files.ReadFile(name + ".json")
	if err != nil {
		return nil, err
	}
	var read document
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, err
	}
	made := &schema{source: read.Provider, resources: map[string]*tfprotov6.Schema{}}
	if made.configuration, err = top(read.Configuration); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	for kind, one := range read.Resources {
		if made.resources[kind], err = top(one); err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
	}
	return made, nil
}

func top(one block) (*tfprotov6.Schema, error) {
	made, err := one.schema()
	return &tfprotov6.Schema{Block: made}, err
}

func (b block) schema() (*tfprotov6.SchemaBlock, error) {
	made := &tfprotov6.SchemaBlock{}
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		attribute, err := attribute(name, b.Attributes[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		made.Attributes = append(made.Attributes, attribute)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Blocks)) {
		one := b.Blocks[name]
		inner, err := one.schema()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		block := &tfprotov6.SchemaNestedBlock{TypeName: name, Block: inner}
		switch one.Nesting {
		case "list":
			block.Nesting = tfprotov6.SchemaNestedBlockNestingModeList
		case "set":
			block.Nesting = tfprotov6.SchemaNestedBlockNestingModeSet
		case "single":
			block.Nesting = tfprotov6.SchemaNestedBlockNestingModeSingle
		default:
			return nil, fmt.Errorf("%s: unknown nesting %q", name, one.Nesting)
		}
		if block.Nesting != tfprotov6.SchemaNestedBlockNestingModeSingle {
			if one.Required {
				block.MinItems = 1
			}
			if !one.Many {
				block.MaxItems = 1
			}
		}
		made.BlockTypes = append(made.BlockTypes, block)
	}
	return made, nil
}

// attribute parses "<type> <need>", or the fields of a list that only the provider sets.
func attribute(name string, raw json.RawMessage) (*tfprotov6.SchemaAttribute, error) {
	made := &tfprotov6.SchemaAttribute{Name: name}
	var list struct {
		List map[string]string `json:"list"`
	}
	if json.Unmarshal(raw, &list) == nil {
		fields := map[string]tftypes.Type{}
		for field, text := range list.List {
			kind, err := kind(text)
			if err != nil {
				return nil, err
			}
			fields[field] = kind
		}
		made.Computed = true
		made.Type = tftypes.List{ElementType: tftypes.Object{AttributeTypes: fields}}
		return made, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	shape, need, _ := strings.Cut(text, " ")
	made.Required = need == "required"
	made.Optional = strings.Contains(need, "optional")
	made.Computed = strings.Contains(need, "computed")
	made.WriteOnly = strings.HasSuffix(name, "_wo")
	var err error
	made.Type, err = kind(shape)
	return made, err
}

func kind(text string) (tftypes.Type, error) {
	if outer, inner, found := strings.Cut(strings.TrimSuffix(text, ")"), "("); found {
		element, err := kind(inner)
		if err != nil {
			return nil, err
		}
		switch outer {
		case "list":
			return tftypes.List{ElementType: element}, nil
		case "set":
			return tftypes.Set{ElementType: element}, nil
		case "map":
			return tftypes.Map{ElementType: element}, nil
		}
	}
	switch text {
	case "string":
		return tftypes.String, nil
	case "number":
		return tftypes.Number, nil
	case "bool":
		return tftypes.Bool, nil
	case "any":
		return tftypes.DynamicPseudoType, nil
	}
	return nil, fmt.Errorf("unknown type %q", text)
}
