package main

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// provider implements the calls that Terraform makes for a plan. Others are left to the embedded nil.
type provider struct {
	tfprotov6.ProviderServer
	schema *schema
}

func (p *provider) GetMetadata(context.Context, *tfprotov6.GetMetadataRequest) (*tfprotov6.GetMetadataResponse, error) {
	answer := &tfprotov6.GetMetadataResponse{}
	for kind := range p.schema.resources {
		answer.Resources = append(answer.Resources, tfprotov6.ResourceMetadata{TypeName: kind})
	}
	return answer, nil
}

func (p *provider) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	return &tfprotov6.GetProviderSchemaResponse{Provider: p.schema.configuration, ResourceSchemas: p.schema.resources}, nil
}

func (p *provider) GetResourceIdentitySchemas(context.Context, *tfprotov6.GetResourceIdentitySchemasRequest) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov6.GetResourceIdentitySchemasResponse{}, nil
}

func (p *provider) ValidateProviderConfig(_ context.Context, request *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{PreparedConfig: request.Config}, nil
}

func (p *provider) ConfigureProvider(context.Context, *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	return &tfprotov6.ConfigureProviderResponse{}, nil
}

func (p *provider) StopProvider(context.Context, *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	return &tfprotov6.StopProviderResponse{}, nil
}

func (p *provider) ValidateResourceConfig(context.Context, *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{}, nil
}

// PlanResourceChange plans the proposed state; computed values are unknown.
func (p *provider) PlanResourceChange(_ context.Context, request *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	block := p.schema.resources[request.TypeName].Block
	proposed, err := request.ProposedNewState.Unmarshal(block.ValueType())
	if err != nil {
		return nil, err
	}
	prior, err := request.PriorState.Unmarshal(block.ValueType())
	if err != nil {
		return nil, err
	}
	if proposed.IsNull() || !prior.IsNull() {
		return &tfprotov6.PlanResourceChangeResponse{PlannedState: request.ProposedNewState}, nil
	}
	planned, err := unknown(proposed, block)
	if err != nil {
		return nil, err
	}
	state, err := tfprotov6.NewDynamicValue(block.ValueType(), planned)
	return &tfprotov6.PlanResourceChangeResponse{PlannedState: &state}, err
}

// unknown marks computed values that the configuration does not set.
func unknown(value tftypes.Value, block *tfprotov6.SchemaBlock) (tftypes.Value, error) {
	if value.IsNull() || !value.IsKnown() {
		return value, nil
	}
	members := map[string]tftypes.Value{}
	if err := value.As(&members); err != nil {
		return value, err
	}
	for _, attribute := range block.Attributes {
		if attribute.Computed && members[attribute.Name].IsNull() {
			members[attribute.Name] = tftypes.NewValue(attribute.Type, tftypes.UnknownValue)
		}
	}
	for _, nested := range block.BlockTypes {
		member := members[nested.TypeName]
		if nested.Nesting == tfprotov6.SchemaNestedBlockNestingModeSingle || member.IsNull() || !member.IsKnown() {
			continue
		}
		var elements []tftypes.Value
		if err := member.As(&elements); err != nil {
			return value, err
		}
		for index := range elements {
			marked, err := unknown(elements[index], nested.Block)
			if err != nil {
				return value, err
			}
			elements[index] = marked
		}
		members[nested.TypeName] = tftypes.NewValue(member.Type(), elements)
	}
	return tftypes.NewValue(value.Type(), members), nil
}

// ApplyResourceChange always fails: a mock provider creates nothing.
func (p *provider) ApplyResourceChange(context.Context, *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return nil, errors.New("this stands in for " + p.schema.source + " in checks and creates nothing; install the real provider")
}
