# A machine made of namespaces on the machine on which Terraform runs, as root; see the script `machine`.
# A cloud's module can take its place: envchart needs only the output `instance_ip`.

terraform {
  required_version = ">= 1.6"
}

locals {
  # One of the 32768 networks of four addresses in 198.18.0.0/15, which is reserved for tests (RFC 2544).
  number  = parseint(substr(sha256(var.instance_name), 0, 4), 16) % 32768
  address = coalesce(var.address, cidrhost("198.18.0.0/15", 4 * local.number + 2))

  state_dir = pathexpand(var.state_dir)

  # The machine's own data, read through its first process, and empty if that process is gone.
  # Filesystem functions are used only in locals: there, an apply evaluates them before any change, with the
  # same result as its plan.
  pid        = try(trimspace(file("${local.state_dir}/${var.instance_name}/pid")), "none")
  generation = try(trimspace(file("/proc/${local.pid}/root/etc/envchart-generation")), "")
  host_key   = try(trimspace(file("${pathexpand(var.host_key_file)}.pub")), "")
}

# Only destroys the machine. Terraform skips the destroy provisioners of a resource whose create provisioner
# failed, so they belong to this resource, which can't fail.
resource "terraform_data" "guard" {
  input            = { name = var.instance_name, state_dir = local.state_dir }
  triggers_replace = [var.instance_name, local.state_dir]

  provisioner "local-exec" {
    when    = destroy
    command = "exec \"$PROGRAM\" destroy \"$NAME\""
    environment = {
      PROGRAM           = "${path.module}/machine"
      NAME              = self.input.name
      MACHINE_STATE_DIR = self.input.state_dir
    }
  }
}

resource "terraform_data" "machine" {
  # A missing machine gets a new generation and is created again, so Terraform detects it as drift.
  triggers_replace = {
    generation = local.generation != "" ? local.generation : uuid()
    guard      = terraform_data.guard.id
    address    = local.address
    base       = pathexpand(var.base)
    init       = var.init
    user_data  = var.user_data
  }

  provisioner "local-exec" {
    command = "exec \"$PROGRAM\" create \"$NAME\" \"$ADDRESS\""
    environment = {
      PROGRAM                     = "${path.module}/machine"
      NAME                        = var.instance_name
      ADDRESS                     = local.address
      MACHINE_GENERATION          = self.triggers_replace.generation
      MACHINE_STATE_DIR           = local.state_dir
      MACHINE_BASE                = pathexpand(var.base)
      MACHINE_AUTHORIZED_KEY_FILE = pathexpand(var.authorized_key_file)
      MACHINE_HOST_KEY_FILE       = pathexpand(var.host_key_file)
      MACHINE_INIT                = var.init
      MACHINE_USER_DATA           = var.user_data
      MACHINE_BOOT_DELAY          = var.boot_delay
    }
  }
}
