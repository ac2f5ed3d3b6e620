/* SPDX-License-Identifier: MIT */
/* For the examples with two processes: a message with an fd, through a socket. */
#ifndef DMAFENCE_EXAMPLES_PASS_FD_H
#define DMAFENCE_EXAMPLES_PASS_FD_H

#include <stddef.h>

/**
 * send_fd - sends a message with an fd
 * @socket: SOCK_SEQPACKET
 * @fd: still the caller's to close; the other process gets another one of the same
 *
 * Returns 0 or -errno.
 */
int send_fd(int socket, const void *message, size_t size, int fd);

/**
 * receive_fd - receives one
 * @fd: where to; the caller's to close
 *
 * Returns 1; 0 if the other side has gone; or -errno.
 */
int receive_fd(int socket, void *message, size_t size, int *fd);

#endif
