# Alerts in three classes: page, within 15 minutes, and daily. Each links its runbook.

resource "google_monitoring_notification_channel" "mail" {
  for_each = toset(var.alert_mails)

  display_name = each.key
  type         = "email"

  labels = {
    email_address = each.key
  }
}

locals {
  channels = [for channel in google_monitoring_notification_channel.mail : channel.id]

  database = "resource.type = \"cloudsql_database\" AND resource.labels.database_id = \"${var.project}:${var.database_instance}\""

  # Thresholds. `filter` selects series, `per` aligns each of them per minute, `over` combines them.
  thresholds = {
    errors = {
      title    = "More than 1 % of responses are server errors"
      severity = "CRITICAL"
      runbook  = "errors"
      filter   = "resource.type = \"https_lb_rule\" AND resource.labels.url_map_name = \"${var.url_map}\" AND metric.type = \"loadbalancing.googleapis.com/https/request_count\" AND metric.labels.response_code_class = 500"
      of       = "resource.type = \"https_lb_rule\" AND resource.labels.url_map_name = \"${var.url_map}\" AND metric.type = \"loadbalancing.googleapis.com/https/request_count\""
      per      = "ALIGN_RATE"
      over     = "REDUCE_SUM"
      value    = 0.01
      seconds  = 300
    }
    latency = {
      title    = "p95 latency above 500 ms"
      severity = "WARNING"
      runbook  = "latency"
      filter   = "resource.type = \"https_lb_rule\" AND resource.labels.url_map_name = \"${var.url_map}\" AND metric.type = \"loadbalancing.googleapis.com/https/backend_latencies\""
      of       = null
      per      = "ALIGN_PERCENTILE_95"
      over     = "REDUCE_MAX"
      value    = 500
      seconds  = 900
    }
    database_cpu = {
      title    = "Database CPU above 85 %"
      severity = "WARNING"
      runbook  = "database"
      filter   = "${local.database} AND metric.type = \"cloudsql.googleapis.com/database/cpu/utilization\""
      of       = null
      per      = "ALIGN_MEAN"
      over     = "REDUCE_MAX"
      value    = 0.85
      seconds  = 900
    }
    database_disk = {
      title    = "Database disk nearly full"
      severity = "CRITICAL"
      runbook  = "database"
      filter   = "${local.database} AND metric.type = \"cloudsql.googleapis.com/database/disk/utilization\""
      of       = null
      per      = "ALIGN_MEAN"
      over     = "REDUCE_MAX"
      value    = 0.9
      seconds  = 300
    }
    database_connections = {
      title    = "Database connections above 80 %"
      severity = "WARNING"
      runbook  = "connections"
      filter   = "${local.database} AND metric.type = \"cloudsql.googleapis.com/database/postgresql/num_backends\""
      of       = null
      per      = "ALIGN_MAX"
      over     = "REDUCE_SUM"
      value    = floor(var.max_connections * 0.8)
      seconds  = 300
    }
    events_waiting = {
      title    = "Oldest undelivered event older than ten minutes"
      severity = "WARNING"
      runbook  = "events"
      filter   = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = starts_with(\"${var.prefix}-events-\") AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      of       = null
      per      = "ALIGN_MAX"
      over     = "REDUCE_MAX"
      value    = 600
      seconds  = 300
    }
    dead_letters = {
      title    = "A function rejected an event permanently"
      severity = "WARNING"
      runbook  = "dead-letters"
      filter   = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = starts_with(\"${var.prefix}-events-\") AND metric.type = \"pubsub.googleapis.com/subscription/dead_letter_message_count\""
      of       = null
      per      = "ALIGN_DELTA"
      over     = "REDUCE_SUM"
      value    = 0
      seconds  = 0
    }
    outbox = {
      title    = "Events in the outbox older than five minutes"
      severity = "CRITICAL"
      runbook  = "outboxstuck"
      filter   = "resource.type = \"cloud_run_revision\" AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.outbox.name}\""
      of       = null
      per      = "ALIGN_DELTA"
      over     = "REDUCE_SUM"
      value    = 0
      seconds  = 0
    }
    jobs = {
      title    = "A scheduled job failed to start"
      severity = "WARNING"
      runbook  = "jobs"
      filter   = "resource.type = \"cloud_scheduler_job\" AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.jobs.name}\""
      of       = null
      per      = "ALIGN_DELTA"
      over     = "REDUCE_SUM"
      value    = 2
      seconds  = 0
    }
  }
}

# The relay logs this every minute; its metrics are not scraped on Google Cloud.
resource "google_logging_metric" "outbox" {
  name        = "${var.prefix}-outbox-stuck"
  description = "Events that the relay could not deliver for minutes."
  filter      = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.prefix}-relay\" AND jsonPayload.message=\"announcements wait too long\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

# Calls that failed after all retries; the next run makes up for a single failure.
resource "google_logging_metric" "jobs" {
  name        = "${var.prefix}-jobs-failed"
  description = "Calls of Cloud Scheduler that failed."
  filter      = "resource.type=\"cloud_scheduler_job\" AND severity>=ERROR"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each = local.thresholds

  display_name          = each.value.title
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter             = each.value.filter
      denominator_filter = each.value.of
      comparison         = "COMPARISON_GT"
      threshold_value    = each.value.value
      duration           = "${each.value.seconds}s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = each.value.per
        cross_series_reducer = each.value.over
      }

      dynamic "denominator_aggregations" {
        for_each = each.value.of == null ? [] : [1]

        content {
          alignment_period     = "60s"
          per_series_aligner   = each.value.per
          cross_series_reducer = each.value.over
        }
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Runbook: docs/operations.md#${each.value.runbook}"
  }

  alert_strategy {
    auto_close = "86400s"
  }
}
