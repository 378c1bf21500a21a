variable "text" {
  description = "Content of infra/manifest.json."
  type        = string
}
