# What the pipeline runs inside: migrations with the administrator's login, and a look at a new revision.

resource "google_service_account" "migrate" {
  account_id   = var.migrate_account
  display_name = "Migrations"
  description  = "Brings the database up to date and makes the functions' logins."
}

resource "google_cloud_run_v2_job" "migrate" {
  name                = "${var.prefix}-migrate"
  location            = var.region
  deletion_protection = false

  template {
    template {
      service_account = google_service_account.migrate.email
      # A migration that failed halfway is looked at by a person.
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
  description  = "Asks a new revision whether it is ready; holds no rights."
}

# The services are closed to the internet, and so to Cloud Build: the question is asked from the private network. All its
# traffic goes through there, because that is what makes it a call from inside.
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
        # The pipeline says which address instead.
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

# The pipeline changes the image of the one, and the arguments of a run of the other.
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
