terraform {
  required_version = "~> 1.11"

  required_providers {
    hcloud = {
      source  = "hetznercloud/hcloud"
      version = "~> 1.68"
    }
  }

  # Hetzner's object storage; `terraform init -backend-config=...` sets bucket and keys.
  backend "s3" {
    key          = "revalenz.tfstate"
    region       = "fsn1"
    use_lockfile = true
    # Amazon-specific checks that other stores do not support.
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
    skip_s3_checksum            = true
  }
}

# The token comes from HCLOUD_TOKEN.
provider "hcloud" {}
