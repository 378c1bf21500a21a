# Identity of push requests: the account has no permissions; functions check its name.
resource "google_service_account" "push" {
  account_id   = var.push_account
  display_name = "Pub/Sub's pushes"
  description  = "Identity of push requests; has no permissions."
}

locals {
  # Pub/Sub's service agent in this project.
  agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_service_account_iam_member" "push" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agent
}

# The agent moves dead letters from each subscription to the topic.
resource "google_pubsub_subscription_iam_member" "agent" {
  for_each = google_pubsub_subscription.events

  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.agent
}

resource "google_pubsub_topic_iam_member" "agent" {
  topic  = google_pubsub_topic.dead.name
  role   = "roles/pubsub.publisher"
  member = local.agent
}

# Only the relay publishes.
resource "google_pubsub_topic_iam_member" "relay" {
  for_each = google_pubsub_topic.events

  topic  = each.value.name
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:${var.relay_account}"
}
