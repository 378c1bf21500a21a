terraform {
  required_version = "~> 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.0"
    }
  }

  # `terraform init -backend-config=...` sets the bucket: staging and production have separate states.
  backend "gcs" {
    prefix = "revalenz"
  }
}

provider "google" {
  project = var.project
  region  = var.region

  default_labels = {
    application = var.prefix
    environment = var.environment
    managed-by  = "terraform"
  }
}
