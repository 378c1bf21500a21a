output "bucket" {
  description = "Name of the bucket, available once its users have access."
  value       = google_storage_bucket.objects.name
}

output "users" {
  description = "Functions with access."
  value       = keys(google_storage_bucket_iam_member.user)
}
