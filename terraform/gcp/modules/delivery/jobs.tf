# Jobs of the pipeline in the private network: migrations with the administrator's login, and readiness checks of new revisions.

resource "google_service_account" "migrate" {
  account_id   = var.migrate_account
  display_name = "Migrations"
  description  = "Migrates the database and creates the functions' logins."
}

resource "google_cloud_run_v2_job" "migrate" {
  name                = "${var.prefix}-migrate"
  location            = var.region
  deletion_protection = false

  template {
    template {
      service_account = google_service_account.migrate.email
      # No retry: a failed migration needs an operator.
      max_retries = 0
      timeout     = "1800s"

      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"

        network_interfaces {
          network    = var.network
          subnetwork = var.subnetwork
        }
      }

      containers {
        image = var.placeholder_job_image

        resources {
          limits = {
            cpu    = "1"
            memory = "512Mi"
          }
        }

        dynamic "env" {
          for_each = var.migrate_secrets

          content {
            name = env.key

            value_source {
              secret_key_ref {
                secret  = env.value
                version = "latest"
              }
            }
          }
        }

        volume_mounts {
          name       = "database-ca"
          mount_path = var.ca_folder
        }
      }

      volumes {
        name = "database-ca"

        secret {
          secret       = var.ca_secret
          default_mode = 292 # 0444

          items {
            path    = var.ca_file
            version = "latest"
            mode    = 292
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [template[0].template[0].containers[0].image, template[0].labels, template[0].annotations, client, client_version]
  }
}

resource "google_service_account" "smoke" {
  account_id   = var.smoke_account
  display_name = "Smoke"
  description  = "Checks the readiness of new revisions; has no permissions."
}

# Services are not reachable from the internet, and so not from Cloud Build: this job checks them from the private network. All its
# traffic goes through the network, so that it counts as internal.
resource "google_cloud_run_v2_job" "smoke" {
  name                = "${var.prefix}-smoke"
  location            = var.region
  deletion_protection = false

  template {
    template {
      service_account = google_service_account.smoke.email
      max_retries     = 1
      timeout         = "120s"

      vpc_access {
        egress = "ALL_TRAFFIC"

        network_interfaces {
          network    = var.network
          subnetwork = var.subnetwork
        }
      }

      containers {
        image   = var.smoke_image
        command = ["curl"]
        # The pipeline overrides the address.
        args = ["--version"]

        resources {
          limits = {
            cpu    = "1"
            memory = "512Mi"
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [template[0].labels, template[0].annotations, client, client_version]
  }
}

# The pipeline changes the image of the first job and the arguments of the second.
resource "google_cloud_run_v2_job_iam_member" "build" {
  for_each = {
    migrate = google_cloud_run_v2_job.migrate.name
    smoke   = google_cloud_run_v2_job.smoke.name
  }

  name     = each.value
  location = var.region
  role     = "roles/run.developer"
  member   = "serviceAccount:${google_service_account.build.email}"
}

resource "google_service_account_iam_member" "build" {
  for_each = {
    migrate = google_service_account.migrate.name
    smoke   = google_service_account.smoke.name
  }

  service_account_id = each.value
  role               = "roles/iam.serviceAccountUser"
  member             = "serviceAccount:${google_service_account.build.email}"
}
