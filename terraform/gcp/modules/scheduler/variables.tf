variable "prefix" {
  description = "Prefix of every name."
  type        = string
}

variable "region" {
  description = "Region of Cloud Scheduler."
  type        = string
}

variable "account" {
  description = "Id of the service account for scheduled calls."
  type        = string
}

variable "audience" {
  description = "Audience of the tokens."
  type        = string
}

variable "urls" {
  description = "Address of each function."
  type        = map(string)
}

variable "jobs" {
  description = "The manifest's jobs."
  type = map(object({
    function = string
    name     = string
    schedule = string
    about    = string
  }))
}
