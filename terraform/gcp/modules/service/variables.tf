variable "name" {
  description = "Name of the service."
  type        = string
}

variable "account" {
  description = "The account that it runs as: full name and address."
  type = object({
    name  = string
    email = string
  })
}

variable "about" {
  description = "What the function owns."
  type        = string
}

variable "region" {
  description = "Where it runs."
  type        = string
}

variable "placeholder_image" {
  description = "What runs until the pipeline brings the first image."
  type        = string
}

variable "deployer" {
  description = "Address of the pipeline's account."
  type        = string
}

variable "network" {
  description = "Id of the private network."
  type        = string
}

variable "subnetwork" {
  description = "Id of the part of it that instances live in."
  type        = string
}

variable "values" {
  description = "Setting to value."
  type        = map(string)
}

variable "secrets" {
  description = "Setting to the full name of the secret that holds it."
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

variable "size" {
  description = "How many instances, and how large."
  type = object({
    min         = number
    max         = number
    cpu         = string
    memory      = string
    concurrency = number
    timeout     = string
    cpu_always  = bool
  })
}

variable "sidecar" {
  description = "A program beside the function in each instance, reached at 127.0.0.1."
  type = object({
    name   = string
    image  = string
    port   = number
    cpu    = string
    memory = string
  })
  default = null
}
