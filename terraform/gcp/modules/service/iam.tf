# The pipeline may deploy images to this service and move its traffic.
resource "google_cloud_run_v2_service_iam_member" "deployer" {
  name     = google_cloud_run_v2_service.this.name
  location = google_cloud_run_v2_service.this.location
  role     = "roles/run.developer"
  member   = "serviceAccount:${var.deployer}"
}

# A revision runs as this account, so the pipeline must be allowed to act as it.
resource "google_service_account_iam_member" "deployer" {
  service_account_id = var.account.name
  role               = "roles/iam.serviceAccountUser"
  member             = "serviceAccount:${var.deployer}"
}
