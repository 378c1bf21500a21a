# Objects of the tenants, encrypted with a key of our own: destroying the key destroys all of them.

resource "google_kms_key_ring" "this" {
  name     = var.prefix
  location = var.region
}

resource "google_kms_crypto_key" "objects" {
  name            = "objects"
  key_ring        = google_kms_key_ring.this.id
  rotation_period = "7776000s" # 90 days
  # Time to notice that the key is scheduled for destruction.
  destroy_scheduled_duration = "2592000s"

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key_iam_member" "storage" {
  crypto_key_id = google_kms_crypto_key.objects.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${var.project_number}@gs-project-accounts.iam.gserviceaccount.com"
}

resource "google_storage_bucket" "objects" {
  name                        = var.bucket
  location                    = var.region
  storage_class               = "STANDARD"
  force_destroy               = false
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  encryption {
    default_kms_key_name = google_kms_crypto_key.objects.id
  }

  # Objects that were overwritten or deleted by mistake can be restored.
  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  # Deleted means deleted after this time, as the privacy policy says.
  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = var.noncurrent_days
      with_state                 = "ARCHIVED"
    }
  }

  # Incomplete uploads; the function releases their quota after a day.
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = 2
    }
  }

  lifecycle_rule {
    action {
      type          = "SetStorageClass"
      storage_class = "NEARLINE"
    }

    condition {
      age                   = 90
      matches_storage_class = ["STANDARD"]
    }
  }

  # Direct uploads from the frontends, with signed URLs.
  dynamic "cors" {
    for_each = length(var.origins) == 0 ? [] : [var.origins]

    content {
      origin          = cors.value
      method          = ["PUT", "GET", "HEAD"]
      response_header = ["Content-Type", "Content-Range", "ETag", "x-goog-hash", "x-goog-content-length-range"]
      max_age_seconds = 3600
    }
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_kms_crypto_key_iam_member.storage]
}

# Access to objects, not to the bucket's configuration.
resource "google_storage_bucket_iam_member" "user" {
  for_each = var.users

  bucket = google_storage_bucket.objects.name
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${each.value}"
}

# The account signs URLs as itself, and only as itself.
resource "google_service_account_iam_member" "signer" {
  for_each = var.users

  service_account_id = "projects/${var.project}/serviceAccounts/${each.value}"
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:${each.value}"
}
