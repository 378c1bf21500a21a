# As whom Pub/Sub knocks at functions: this account may do nothing at all, its name is what the functions check.
resource "google_service_account" "push" {
  account_id   = var.push_account
  display_name = "Pub/Sub's pushes"
  description  = "Presented to functions that listen; holds no rights."
}

locals {
  # Pub/Sub's own agent in this project.
  agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_service_account_iam_member" "push" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agent
}

# The agent moves dead letters: takes them from each subscription, puts them into the topic.
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

# The relay is the only one that publishes.
resource "google_pubsub_topic_iam_member" "relay" {
  for_each = google_pubsub_topic.events

  topic  = each.value.name
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:${var.relay_account}"
}
