/* SPDX-License-Identifier: MIT */
/* linux/module.h - a module is part of the program; its functions are called by whoever runs it */
#ifndef LINUX_COMPAT_MODULE_H
#define LINUX_COMPAT_MODULE_H

#include <linux/export.h>
#include <linux/kernel.h>

struct module;

#define THIS_MODULE ((struct module *)NULL)

#define MODULE_LICENSE(text)
#define MODULE_AUTHOR(text)
#define MODULE_DESCRIPTION(text)
#define MODULE_IMPORT_NS(namespace)
#define MODULE_PARM_DESC(name, text)
#define module_param(name, type, mode)
#define module_param_named(name, value, type, mode)
#define module_init(function)
#define module_exit(function)

#endif
