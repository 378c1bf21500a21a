# The pipeline of cloudbuild.yaml. Its account may write images, deploy the services (granted with each service), and run two jobs.

resource "google_service_account" "build" {
  account_id   = var.build_account
  display_name = "Cloud Build"
  description  = "Builds, migrates, deploys."
}

resource "google_project_iam_member" "build_logs" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = "serviceAccount:${google_service_account.build.email}"
}

# Read-only: to follow the progress of a deployment.
resource "google_project_iam_member" "build_looks" {
  project = var.project
  role    = "roles/run.viewer"
  member  = "serviceAccount:${google_service_account.build.email}"
}

# Sources uploaded by `gcloud builds submit`.
resource "google_storage_bucket" "builds" {
  name                        = "${var.project}-builds"
  location                    = var.region
  force_destroy               = true
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age = 14
    }
  }
}

resource "google_storage_bucket_iam_member" "build" {
  bucket = google_storage_bucket.builds.name
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${google_service_account.build.email}"
}

# Only with a connected repository; the connection is created manually once.
resource "google_cloudbuild_trigger" "this" {
  count = var.repository == null ? 0 : 1

  name            = "${var.prefix}-${var.environment}"
  description     = "Checks, builds and rolls out."
  location        = var.region
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.build.id
  substitutions   = var.substitutions

  repository_event_config {
    repository = var.repository

    push {
      branch = var.branch
      tag    = var.tag
    }
  }

  approval_config {
    approval_required = var.approval
  }

  lifecycle {
    precondition {
      condition     = (var.branch == null) != (var.tag == null)
      error_message = "Either a branch or tags start the pipeline."
    }
  }
}
