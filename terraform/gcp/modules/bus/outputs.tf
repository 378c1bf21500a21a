output "topics" {
  description = "Topic of each function that subscribes to events."
  value       = { for function, topic in google_pubsub_topic.events : function => topic.name }
}

output "subscriptions" {
  description = "Names of the subscriptions that carry events."
  value       = [for subscription in google_pubsub_subscription.events : subscription.name]
}

output "dead_letters" {
  description = "Name of the subscription that holds dead letters."
  value       = google_pubsub_subscription.dead.name
}
