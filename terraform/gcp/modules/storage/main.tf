# Objects of the tenants, under a key of our own: whoever takes the key away takes all of them away at once.

resource "google_kms_key_ring" "this" {
  name     = var.prefix
  location = var.region
}

resource "google_kms_crypto_key" "objects" {
  name            = "objects"
  key_ring        = google_kms_key_ring.this.id
  rotation_period = "7776000s" # 90 days
  # Time to notice that the key of everything is about to be gone.
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

  # An object that was overwritten or deleted by a mistake of ours can be had back.
  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 604800
  }

  # Deleted by a person means deleted: privacy promises no more than this.
  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = var.noncurrent_days
      with_state                 = "ARCHIVED"
    }
  }

  # Uploads that nobody completed: the function gives their quota back after a day.
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

  # Direct uploads from the frontends' pages, by signed URL.
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

# Objects, not the bucket: nobody changes its rules but us.
resource "google_storage_bucket_iam_member" "user" {
  for_each = var.users

  bucket = google_storage_bucket.objects.name
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${each.value}"
}

# A signed URL is signed by the account itself: it may do so as itself alone.
resource "google_service_account_iam_member" "signer" {
  for_each = var.users

  service_account_id = "projects/${var.project}/serviceAccounts/${each.value}"
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:${each.value}"
}
