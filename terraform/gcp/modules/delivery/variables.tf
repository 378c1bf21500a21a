variable "prefix" {
  description = "Begins every name."
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
  description = "Where it builds and runs."
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
  description = "What the migration job is made with until the pipeline brings its image."
  type        = string
}

variable "smoke_image" {
  description = "An image with curl."
  type        = string
}

variable "network" {
  description = "Id of the private network."
  type        = string
}

variable "subnetwork" {
  description = "Id of the part of it that jobs live in."
  type        = string
}

variable "migrate_secrets" {
  description = "Setting of the migration job to the full name of the secret that holds it."
  type        = map(string)
}

variable "ca_secret" {
  description = "Full name of the secret with the database's certificate."
  type        = string
}

variable "ca_folder" {
  description = "Where that certificate is mounted."
  type        = string
}

variable "ca_file" {
  description = "Its name there."
  type        = string
}

variable "repository" {
  description = "The connected repository: projects/.../connections/.../repositories/... . Null: builds are started by hand."
  type        = string
}

variable "branch" {
  description = "Pushes to branches that fit this expression start the pipeline."
  type        = string
}

variable "tag" {
  description = "Tags that fit this expression start it."
  type        = string
}

variable "approval" {
  description = "Whether a person has to say yes first."
  type        = bool
}

variable "substitutions" {
  description = "What cloudbuild.yaml is told."
  type        = map(string)
}
