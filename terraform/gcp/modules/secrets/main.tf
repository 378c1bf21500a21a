# Secrets and their readers. Values never pass through Terraform, so neither plan nor state contains
# one: infra/scripts/gcp-secrets.sh generates missing ones.

resource "google_secret_manager_secret" "this" {
  for_each = var.secrets

  secret_id           = "${var.prefix}-${each.key}"
  deletion_protection = true
  # A destroyed version can be restored for a week.
  version_destroy_ttl = "604800s"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

locals {
  readings = merge([
    for secret, readers in var.secrets : {
      for reader in readers : "${secret}/${reader}" => { secret = secret, reader = reader }
    }
  ]...)
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = local.readings

  secret_id = google_secret_manager_secret.this[each.value.secret].id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.accounts[each.value.reader]}"
}
