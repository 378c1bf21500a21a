# One function as a Cloud Run service. Terraform owns the service, the pipeline its image and traffic.

resource "google_cloud_run_v2_service" "this" {
  name        = var.name
  location    = var.region
  description = var.about

  # Reachable through the load balancer and from this project, not from the internet.
  ingress = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  # Cloud Run's own authentication would strip the signature of tokens; the function checks them itself.
  invoker_iam_disabled = true
  # A service is stateless and can be recreated in a minute.
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
        # CPU between requests where jobs or the relay need it.
        cpu_idle          = !var.size.cpu_always
        startup_cpu_boost = true
      }

      # Liveness of the process only: a database outage is no reason to restart it.
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
      # Owned by the pipeline.
      template[0].containers[0].image,
      traffic,
      # Set by the last client that changed the service. The revision name is not ignored: a kept name would be used
      # for the next revision, too, and rejected.
      template[0].labels,
      template[0].annotations,
      client,
      client_version,
    ]
  }
}
