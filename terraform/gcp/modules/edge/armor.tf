# Cloud Armor in front of every function. The first matching rule applies.

resource "google_compute_security_policy" "this" {
  name        = var.prefix
  description = "In front of every function."
  type        = "CLOUD_ARMOR"

  advanced_options_config {
    json_parsing = "STANDARD"
  }

  adaptive_protection_config {
    layer_7_ddos_defense_config {
      enable = true
    }
  }

  # No prefix of a function contains these paths; this rule holds even if one does, however the path is written.
  rule {
    action      = "deny(404)"
    priority    = 100
    description = "Internal paths."

    match {
      expr {
        expression = "request.path.lower().urlDecode().matches('^/+(internal|metrics|readyz|livez|healthz)(/|$)|/[.][.](/|$)')"
      }
    }
  }

  dynamic "rule" {
    for_each = { for index, name in var.waf_rules : name => index }

    content {
      action   = "deny(403)"
      priority = 200 + rule.value
      # Preview first: tickets are free text and sometimes look like attacks.
      preview     = var.waf_preview
      description = rule.key

      match {
        expr {
          expression = "evaluatePreconfiguredWaf('${rule.key}', {'sensitivity': 1})"
        }
      }
    }
  }

  # Sign-in requests by address. The functions also limit failures by account.
  rule {
    action      = "throttle"
    priority    = 900
    description = "Sign-in requests of one address."

    match {
      expr {
        expression = "request.path.startsWith('/api/auth/') || request.path.startsWith('/api/v1/auth/')"
      }
    }

    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = var.sign_ins_per_minute
        interval_sec = 60
      }
    }
  }

  # An office may share one address, and Apps Script uses shared addresses: far above the limits
  # of the functions for each user and key.
  rule {
    action      = "throttle"
    priority    = 1000
    description = "All requests of one address."

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }

    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = var.requests_per_minute
        interval_sec = 60
      }
    }
  }

  rule {
    action      = "allow"
    priority    = 2147483647
    description = "Everything else."

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}

resource "google_compute_security_policy" "nowhere" {
  name        = "${var.prefix}-nowhere"
  description = "Denies all requests with 404."
  type        = "CLOUD_ARMOR"

  rule {
    action      = "deny(404)"
    priority    = 2147483647
    description = "Everything."

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}
