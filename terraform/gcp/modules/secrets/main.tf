# Places for secrets, and who may read each. Their values never pass through Terraform, so that neither plan nor state holds
# one: infra/scripts/gcp-secrets.sh makes those that are missing.

resource "google_secret_manager_secret" "this" {
  for_each = var.secrets

  secret_id           = "${var.prefix}-${each.key}"
  deletion_protection = true
  # A version that was destroyed by mistake can be had back for a week.
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
