/* SPDX-License-Identifier: MIT */
/* Included by the fence sources, which use nothing of it. */
