terraform {
  required_version = "~> 1.11"

  required_providers {
    hcloud = {
      source  = "hetznercloud/hcloud"
      version = "~> 1.68"
    }
  }

  # Hetzner's own object storage; which bucket and whose keys is said at `terraform init -backend-config=...`.
  backend "s3" {
    key          = "revalenz.tfstate"
    region       = "fsn1"
    use_lockfile = true
    # What Amazon has and others do not.
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
    skip_s3_checksum            = true
  }
}

# The token comes from HCLOUD_TOKEN.
provider "hcloud" {}
