output "ids" {
  description = "Secret to its full name; there once its readers may read it."
  value       = { for name, secret in google_secret_manager_secret.this : name => secret.id }

  depends_on = [google_secret_manager_secret_iam_member.reader]
}

output "readers" {
  description = "Secret to who may read it."
  value       = var.secrets
}
