# Logs hold no bodies and no names, but addresses of clients: they are kept for as long as somebody may ask what happened.
resource "google_logging_project_bucket_config" "default" {
  project        = var.project
  location       = "global"
  bucket_id      = "_Default"
  retention_days = var.log_days
}

# Who read which secret.
resource "google_project_iam_audit_config" "secrets" {
  project = var.project
  service = "secretmanager.googleapis.com"

  audit_log_config {
    log_type = "DATA_READ"
  }

  audit_log_config {
    log_type = "DATA_WRITE"
  }
}
