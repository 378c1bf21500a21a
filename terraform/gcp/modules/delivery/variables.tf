variable "prefix" {
  description = "Prefix of every name."
  type        = string
}

variable "project" {
  description = "Id of the project."
  type        = string
}

variable "environment" {
  description = "staging or production."
  type        = string
}

variable "region" {
  description = "Region of builds and jobs."
  type        = string
}

variable "build_account" {
  description = "Id of the pipeline's account."
  type        = string
}

variable "migrate_account" {
  description = "Id of the migration job's account."
  type        = string
}

variable "smoke_account" {
  description = "Id of the smoke job's account."
  type        = string
}

variable "placeholder_job_image" {
  description = "Placeholder image of the migration job until the first deployment."
  type        = string
}

variable "smoke_image" {
  description = "Image with curl."
  type        = string
}

variable "network" {
  description = "Id of the private network."
  type        = string
}

variable "subnetwork" {
  description = "Id of the subnet of the jobs."
  type        = string
}

variable "migrate_secrets" {
  description = "Secret settings of the migration job, with the full name of the secret."
  type        = map(string)
}

variable "ca_secret" {
  description = "Full name of the secret with the database's certificate."
  type        = string
}

variable "ca_folder" {
  description = "Mount path of the certificate."
  type        = string
}

variable "ca_file" {
  description = "File name of the certificate."
  type        = string
}

variable "repository" {
  description = "The connected repository: projects/.../connections/.../repositories/... . Null: builds are started manually."
  type        = string
}

variable "branch" {
  description = "Pushes to branches that match this expression start the pipeline."
  type        = string
}

variable "tag" {
  description = "Tags that match this expression start the pipeline."
  type        = string
}

variable "approval" {
  description = "Whether a roll-out needs manual approval."
  type        = bool
}

variable "substitutions" {
  description = "Substitutions of cloudbuild.yaml."
  type        = map(string)
}
