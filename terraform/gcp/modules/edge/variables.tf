variable "prefix" {
  description = "Prefix of every name."
  type        = string
}

variable "region" {
  description = "Region of the functions."
  type        = string
}

variable "domain" {
  description = "Public domain of the platform."
  type        = string
}

variable "functions" {
  description = "Service and paths of each function."
  type = map(object({
    service    = string
    prefixes   = list(string)
    root_paths = list(string)
  }))
}

variable "waf_rules" {
  description = "Preconfigured WAF rules, in order of evaluation."
  type        = list(string)
  default     = ["sqli-v33-stable", "lfi-v33-stable", "rce-v33-stable", "scannerdetection-v33-stable", "protocolattack-v33-stable"]
}

variable "waf_preview" {
  description = "Whether these rules only log (preview mode)."
  type        = bool
}

variable "sign_ins_per_minute" {
  description = "Rate limit of one address for paths under /auth."
  type        = number
}

variable "requests_per_minute" {
  description = "Rate limit of one address."
  type        = number
}
