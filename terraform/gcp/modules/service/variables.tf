variable "name" {
  description = "Name of the service."
  type        = string
}

variable "account" {
  description = "Service account: full name and address."
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
  description = "Region."
  type        = string
}

variable "placeholder_image" {
  description = "Placeholder image until the first deployment."
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
  description = "Id of the subnet of the instances."
  type        = string
}

variable "values" {
  description = "Values of settings."
  type        = map(string)
}

variable "secrets" {
  description = "Secret settings, with the full name of the secret."
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

variable "size" {
  description = "Number and size of instances."
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
  description = "Sidecar container of each instance, reached at 127.0.0.1."
  type = object({
    name   = string
    image  = string
    port   = number
    cpu    = string
    memory = string
  })
  default = null
}
