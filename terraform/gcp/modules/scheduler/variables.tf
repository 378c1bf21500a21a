variable "prefix" {
  description = "Begins every name."
  type        = string
}

variable "region" {
  description = "Where the clock is."
  type        = string
}

variable "account" {
  description = "Id of the account that calls are made with."
  type        = string
}

variable "audience" {
  description = "Whom the tokens are for."
  type        = string
}

variable "urls" {
  description = "Function to its address."
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
