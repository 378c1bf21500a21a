variable "text" {
  description = "The manifest, as it is committed in infra/manifest.json."
  type        = string
}
