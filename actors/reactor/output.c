#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Vectors per call. The kernel takes 1024. A reply seldom has more than three; a pipeline of blobs has many. */
#define VECTORS_MAX 128
/* Bytes of a piece for texts, which several small replies share. The first is small, since a text between blobs is often alone; then they
 * double. */
#define PIECE_BYTES_FIRST 256u
#define PIECE_BYTES_MAX 16384u

static struct output_piece *add_piece(struct output *output, size_t capacity)
{
	struct output_piece *piece = malloc(sizeof(*piece) + capacity);
	if (!piece)
		return NULL;
	*piece = (struct output_piece){ .capacity = capacity };
	if (output->last)
		output->last->next = piece;
	else
		output->first = piece;
	output->last = piece;
	output->pieces++;
	output->taken_bytes += sizeof(*piece) + capacity;
	return piece;
}

bool output_add_text(struct output *output, const uint8_t *text, size_t len)
{
	if (len == 0)
		return true;
	struct output_piece *piece = output->last;
	if (!piece || piece->blob || piece->capacity - piece->len < len) {
		size_t room = piece && !piece->blob ? 2 * piece->capacity : PIECE_BYTES_FIRST;
		if (room > PIECE_BYTES_MAX)
			room = PIECE_BYTES_MAX;
		piece = add_piece(output, len > room ? len : room);
	}
	if (!piece)
		return false;
	memcpy(piece->text + piece->len, text, len);
	piece->len += len;
	output->bytes += len;
	return true;
}

static bool add_blob(struct output *output, struct blob *blob, size_t sent)
{
	if (sent == blob->len)
		return true;
	struct output_piece *piece = add_piece(output, 0);
	if (!piece)
		return false;
	piece->blob = blob_hold(blob);
	piece->len = blob->len;
	piece->sent = sent;
	output->bytes += blob->len - sent;
	return true;
}

static void drop_first(struct output *output)
{
	struct output_piece *piece = output->first;
	output->first = piece->next;
	if (!output->first)
		output->last = NULL;
	output->pieces--;
	output->taken_bytes -= sizeof(*piece) + piece->capacity;
	blob_release(&piece->blob);
	free(piece);
}

void output_fini(struct output *output)
{
	while (output->first)
		drop_first(output);
	output->bytes = 0;
}

/* Returns bytes sent, 0 when the socket is full, -1 when the peer is gone. */
static ssize_t send_vectors(int fd, struct iovec *vectors, size_t count, struct output_counts *counts)
{
	struct msghdr header = { .msg_iov = vectors, .msg_iovlen = count };
	ssize_t sent;
	do {
		counts->calls++;
		sent = count == 1 ? send(fd, vectors[0].iov_base, vectors[0].iov_len, MSG_NOSIGNAL) :
				    sendmsg(fd, &header, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent > 0)
		counts->bytes += (uint64_t)sent;
	if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
		return 0;
	return sent;
}

/* Removes `sent` bytes from the front. */
static void advance(struct output *output, size_t sent)
{
	output->bytes -= sent;
	while (output->first && sent >= output->first->len - output->first->sent) {
		sent -= output->first->len - output->first->sent;
		drop_first(output);
	}
	if (output->first)
		output->first->sent += sent;
}

enum output_status output_flush(struct output *output, int fd, struct output_counts *counts)
{
	while (output->first) {
		struct iovec vectors[VECTORS_MAX];
		size_t count = 0, wanted = 0;
		for (struct output_piece *piece = output->first; piece && count < VECTORS_MAX; piece = piece->next) {
			uint8_t *data = piece->blob ? piece->blob->data : piece->text;
			vectors[count].iov_base = data + piece->sent;
			vectors[count].iov_len = piece->len - piece->sent;
			wanted += vectors[count++].iov_len;
		}
		ssize_t sent = send_vectors(fd, vectors, count, counts);
		if (sent < 0)
			return OUTPUT_BROKEN;
		advance(output, (size_t)sent);
		if ((size_t)sent < wanted)
			return OUTPUT_WAITING;
	}
	return OUTPUT_EMPTY;
}

/* Keeps the parts, without the `sent` bytes at their front. */
static bool keep_rest(struct output *output, const struct reply_part *parts, size_t count, const uint8_t *text, size_t sent)
{
	for (size_t i = 0; i < count; i++) {
		size_t gone = sent < parts[i].text_len ? sent : parts[i].text_len;
		if (!output_add_text(output, text + gone, parts[i].text_len - gone))
			return false;
		sent -= gone;
		text += parts[i].text_len;
		if (!parts[i].blob)
			continue;
		gone = sent < parts[i].blob->len ? sent : parts[i].blob->len;
		if (!add_blob(output, parts[i].blob, gone))
			return false;
		sent -= gone;
	}
	return true;
}

static size_t make_vectors(struct iovec *vectors, const struct reply_part *parts, size_t *parts_used, size_t count,
			   const uint8_t *text)
{
	size_t used = 0, i = 0;
	for (; i < count && used + 2 <= VECTORS_MAX; i++) {
		if (parts[i].text_len) {
			/* Texts of parts without a blob between them are adjacent. */
			struct iovec *before = used ? &vectors[used - 1] : NULL;
			if (before && (uint8_t *)before->iov_base + before->iov_len == text)
				before->iov_len += parts[i].text_len;
			else
				vectors[used++] = (struct iovec){ (void *)text, parts[i].text_len };
		}
		if (parts[i].blob && parts[i].blob->len)
			vectors[used++] = (struct iovec){ parts[i].blob->data, parts[i].blob->len };
		text += parts[i].text_len;
	}
	*parts_used = i;
	return used;
}

enum output_status output_write_parts(struct output *output, int fd, const struct reply_part *parts, size_t count,
				      const uint8_t *text, struct output_counts *counts)
{
	if (output->first)
		return keep_rest(output, parts, count, text, 0) ? OUTPUT_WAITING : OUTPUT_NO_MEMORY;
	while (count > 0) {
		struct iovec vectors[VECTORS_MAX];
		size_t used_parts, wanted = 0;
		size_t used = make_vectors(vectors, parts, &used_parts, count, text);
		for (size_t i = 0; i < used; i++)
			wanted += vectors[i].iov_len;
		ssize_t sent = wanted ? send_vectors(fd, vectors, used, counts) : 0;
		if (sent < 0)
			return OUTPUT_BROKEN;
		if ((size_t)sent < wanted)
			return keep_rest(output, parts, count, text, (size_t)sent) ? OUTPUT_WAITING : OUTPUT_NO_MEMORY;
		for (size_t i = 0; i < used_parts; i++)
			text += parts[i].text_len;
		parts += used_parts;
		count -= used_parts;
	}
	return OUTPUT_EMPTY;
}
