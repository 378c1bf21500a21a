variable "prefix" {
  description = "Begins every name."
  type        = string
}

variable "region" {
  description = "Where the functions run."
  type        = string
}

variable "domain" {
  description = "Name under which clients reach the platform."
  type        = string
}

variable "functions" {
  description = "Function to its service and the paths that lead to it."
  type = map(object({
    service    = string
    prefixes   = list(string)
    root_paths = list(string)
  }))
}

variable "waf_rules" {
  description = "Preconfigured rules, in the order in which they are asked."
  type        = list(string)
  default     = ["sqli-v33-stable", "lfi-v33-stable", "rce-v33-stable", "scannerdetection-v33-stable", "protocolattack-v33-stable"]
}

variable "waf_preview" {
  description = "Whether those rules only tell what they would refuse."
  type        = bool
}

variable "sign_ins_per_minute" {
  description = "Requests below /auth of one address."
  type        = number
}

variable "requests_per_minute" {
  description = "Requests of one address."
  type        = number
}
