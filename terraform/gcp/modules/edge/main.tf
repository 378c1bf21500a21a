# The only public part: an address, a certificate, and the routes of the functions.

resource "google_compute_global_address" "this" {
  name        = "${var.prefix}-edge"
  description = "Public address; the DNS record of ${var.domain} points here."
}

resource "google_compute_managed_ssl_certificate" "this" {
  # A certificate cannot be changed, only replaced, so its name contains the domain.
  name        = "${var.prefix}-${substr(sha256(var.domain), 0, 8)}"
  description = "For ${var.domain}."

  managed {
    domains = [var.domain]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_ssl_policy" "this" {
  name            = var.prefix
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_region_network_endpoint_group" "this" {
  for_each = var.functions

  name                  = "${var.prefix}-${each.key}"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = each.value.service
  }
}

resource "google_compute_backend_service" "this" {
  for_each = var.functions

  name                  = "${var.prefix}-${each.key}"
  description           = "The function ${each.key}."
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.this.id

  backend {
    group = google_compute_region_network_endpoint_group.this[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

# Default for paths that no function claims: the policy returns 404 before the backend is used. The backend exists only
# because the load balancer requires one.
resource "google_compute_backend_service" "nowhere" {
  name                  = "${var.prefix}-nowhere"
  description           = "Paths that no function claims."
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.nowhere.id

  backend {
    group = google_compute_region_network_endpoint_group.this[keys(var.functions)[0]].id
  }

  log_config {
    enable      = true
    sample_rate = 0.1
  }
}

locals {
  # A prefix matches the path itself and everything below it.
  paths = {
    for function, one in var.functions : function => toset(concat(one.prefixes, [for prefix in one.prefixes : "${prefix}/*"], one.root_paths))
  }
}

resource "google_compute_url_map" "this" {
  name            = var.prefix
  description     = "Routes from infra/manifest.json."
  default_service = google_compute_backend_service.nowhere.id

  host_rule {
    hosts        = [var.domain]
    path_matcher = "functions"
  }

  path_matcher {
    name            = "functions"
    default_service = google_compute_backend_service.nowhere.id

    dynamic "path_rule" {
      for_each = local.paths

      content {
        paths   = path_rule.value
        service = google_compute_backend_service.this[path_rule.key].id
      }
    }
  }
}

resource "google_compute_target_https_proxy" "this" {
  name             = var.prefix
  url_map          = google_compute_url_map.this.id
  ssl_certificates = [google_compute_managed_ssl_certificate.this.id]
  ssl_policy       = google_compute_ssl_policy.this.id
  # TLS early data can be replayed.
  tls_early_data = "DISABLED"
}

resource "google_compute_global_forwarding_rule" "https" {
  name                  = "${var.prefix}-https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.this.id
}

# Plain HTTP only redirects to HTTPS.
resource "google_compute_url_map" "to_https" {
  name = "${var.prefix}-to-https"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "PERMANENT_REDIRECT"
    strip_query            = false
  }
}

resource "google_compute_target_http_proxy" "to_https" {
  name    = "${var.prefix}-to-https"
  url_map = google_compute_url_map.to_https.id
}

resource "google_compute_global_forwarding_rule" "http" {
  name                  = "${var.prefix}-http"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.to_https.id
}
