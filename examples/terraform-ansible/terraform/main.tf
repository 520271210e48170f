# A machine made of namespaces on the machine that Terraform runs on, as root; see `machine` beside this file.
# In its place would be a cloud's: what envchart needs of a module is its output `instance_ip`.

terraform {
  required_version = ">= 1.6"
}

locals {
  # Any of the 32768 networks of four in 198.18.0.0/15, which is set aside for tests (RFC 2544).
  number  = parseint(substr(sha256(var.instance_name), 0, 4), 16) % 32768
  address = coalesce(var.address, cidrhost("198.18.0.0/15", 4 * local.number + 2))

  state_dir = pathexpand(var.state_dir)

  # What the machine says about itself, looked up through its first process; nothing when that is gone.
  # Filesystem functions stand in locals only: there, an apply reads them before it changes anything, and
  # so finds what its plan has found.
  pid        = try(trimspace(file("${local.state_dir}/${var.instance_name}/pid")), "none")
  generation = try(trimspace(file("/proc/${local.pid}/root/etc/envchart-generation")), "")
  host_key   = try(trimspace(file("${pathexpand(var.host_key_file)}.pub")), "")
}

# Takes the machine away, and makes nothing. Terraform leaves out the destroy provisioners of a resource whose
# own provisioner failed; so they are on this one, which can't fail.
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
  # A machine that is gone gets a new generation, and so is made anew: that is how drift is seen here.
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
