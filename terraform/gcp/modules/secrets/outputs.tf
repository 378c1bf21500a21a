output "ids" {
  description = "Full name of each secret, available once its readers have access."
  value       = { for name, secret in google_secret_manager_secret.this : name => secret.id }

  depends_on = [google_secret_manager_secret_iam_member.reader]
}

output "readers" {
  description = "Readers of each secret."
  value       = var.secrets
}
