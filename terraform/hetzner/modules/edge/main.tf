# The only public part. TLS terminates here; Caddy on the servers routes paths to functions.

resource "hcloud_managed_certificate" "this" {
  name         = var.name
  domain_names = [var.domain]

  lifecycle {
    create_before_destroy = true
  }
}

resource "hcloud_load_balancer" "this" {
  name               = var.name
  load_balancer_type = var.type
  location           = var.location
  delete_protection  = true

  algorithm {
    type = "least_connections"
  }
}

resource "hcloud_load_balancer_network" "this" {
  load_balancer_id = tonumber(hcloud_load_balancer.this.id)
  subnet_id        = var.subnet
}

resource "hcloud_load_balancer_service" "https" {
  load_balancer_id = hcloud_load_balancer.this.id
  protocol         = "https"
  listen_port      = 443
  destination_port = 80

  http {
    certificates  = [tonumber(hcloud_managed_certificate.this.id)]
    redirect_http = true
    # Streams may be idle for up to a minute.
    timeout_idle = 90
  }

  health_check {
    protocol = "http"
    port     = 80
    interval = 5
    timeout  = 4
    retries  = 2

    http {
      domain       = var.domain
      path         = var.health_path
      status_codes = ["2??"]
    }
  }
}

resource "hcloud_load_balancer_target" "this" {
  for_each = var.targets

  load_balancer_id = tonumber(hcloud_load_balancer.this.id)
  type             = "server"
  server_id        = each.value
  use_private_ip   = true

  depends_on = [hcloud_load_balancer_network.this]
}
