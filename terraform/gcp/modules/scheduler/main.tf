# Calls the manifest's jobs at their times, with a token of an account without permissions, whose name the
# functions check. Calls may be repeated; functions run a job once per scheduled time.

resource "google_service_account" "this" {
  account_id   = var.account
  display_name = "Cloud Scheduler's calls"
  description  = "Identity of scheduled calls; has no permissions."
}

resource "google_cloud_scheduler_job" "this" {
  for_each = var.jobs

  # Two functions may have jobs of the same name.
  name             = "${var.prefix}-${each.value.function}-${each.value.name}"
  region           = var.region
  description      = each.value.about
  schedule         = each.value.schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "30s"

  retry_config {
    retry_count          = 3
    min_backoff_duration = "5s"
    max_backoff_duration = "60s"
    max_doublings        = 3
  }

  http_target {
    http_method = "POST"
    uri         = "${var.urls[each.value.function]}/internal/jobs/${each.value.name}"

    oidc_token {
      service_account_email = google_service_account.this.email
      audience              = var.audience
    }
  }
}
