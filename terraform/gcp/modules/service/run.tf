# One function as a Cloud Run service. Terraform owns the service, the pipeline owns only its image and where traffic goes.

resource "google_cloud_run_v2_service" "this" {
  name        = var.name
  location    = var.region
  description = var.about

  # Reachable through the load balancer and by the platform's own callers in this project, not from the internet.
  ingress = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  # Cloud Run's own check of callers would hand their tokens on without the signature; the function checks them itself.
  invoker_iam_disabled = true
  # A service is made again in a minute, and keeps nothing.
  deletion_protection = false

  scaling {
    min_instance_count = var.size.min
    max_instance_count = var.size.max
  }

  template {
    service_account                  = var.account.email
    timeout                          = var.size.timeout
    max_instance_request_concurrency = var.size.concurrency
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"

    scaling {
      max_instance_count = var.size.max
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = var.network
        subnetwork = var.subnetwork
      }
    }

    containers {
      name  = "function"
      image = var.placeholder_image

      ports {
        container_port = 8080
      }

      resources {
        limits = {
          cpu    = var.size.cpu
          memory = var.size.memory
        }
        # Work goes on beside answers where there are jobs or announcements to carry.
        cpu_idle          = !var.size.cpu_always
        startup_cpu_boost = true
      }

      # Whether the process runs; whether the database does is no reason to end it.
      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 30

        http_get {
          path = "/livez"
        }
      }

      liveness_probe {
        period_seconds    = 15
        timeout_seconds   = 2
        failure_threshold = 3

        http_get {
          path = "/livez"
        }
      }

      dynamic "env" {
        for_each = var.values

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets

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

    dynamic "containers" {
      for_each = var.sidecar == null ? [] : [var.sidecar]

      content {
        name  = containers.value.name
        image = containers.value.image

        resources {
          limits = {
            cpu    = containers.value.cpu
            memory = containers.value.memory
          }
          cpu_idle = false
        }

        startup_probe {
          period_seconds    = 10
          failure_threshold = 24

          tcp_socket {
            port = containers.value.port
          }
        }
      }
    }

    volumes {
      name = "database-ca"

      secret {
        secret       = var.ca_secret
        default_mode = 292 # 0444: the function is not root

        items {
          path    = var.ca_file
          version = "latest"
          mode    = 292
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [
      # The pipeline's.
      template[0].containers[0].image,
      traffic,
      # Written by whichever client touched the service last. Not the revision's name: one that were kept here would be given
      # to the next revision, too, and refused.
      template[0].labels,
      template[0].annotations,
      client,
      client_version,
    ]
  }
}
