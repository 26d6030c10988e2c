"""Lists come in pages, with links only when one page is not enough."""

import httpx
import pytest


@pytest.fixture(scope="module")
def tagged(server):
    for index in range(45):
        server("POST", "/v2/tags", {"name": f"tag-{index}"}, 201)
    return server


def test_following_next_finds_everything_once(tagged):
    names, path = [], "/v2/tags"
    while path:
        page = tagged.get(path)
        names += [tag["name"] for tag in page["tags"]]
        assert page["meta"] == {"total": 45}
        path = page["links"]["pages"].get("next")
    assert names == [f"tag-{index}" for index in range(45)]


@pytest.mark.parametrize(
    ("page", "links"),
    [(1, {"next", "last"}), (2, {"first", "prev", "next", "last"}), (3, {"first", "prev"})],
)
def test_links(tagged, page, links):
    answer = tagged.get(f"/v2/tags?page={page}")
    assert set(answer["links"]["pages"]) == links
    assert len(answer["tags"]) == (5 if page == 3 else 20)
    for link in answer["links"]["pages"].values():
        assert httpx.URL(link).copy_with(query=None) == httpx.URL(f"{tagged.url}/v2/tags")


def test_no_links_when_it_all_fits(tagged):
    assert "links" not in tagged.get("/v2/tags?per_page=45")
    assert len(tagged.get("/v2/tags?per_page=1000")["tags"]) == 45


def test_at_most_200_a_page(tagged):
    assert "per_page=20" in tagged.get("/v2/tags?page=1")["links"]["pages"]["next"]


def test_a_page_beyond_the_last_is_empty(tagged):
    assert tagged.get("/v2/tags?page=9")["tags"] == []


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "per_page=0", "page=%C2%B2"])
def test_bad_pages_are_refused(tagged, query):
    tagged.get(f"/v2/tags?{query}", 422)


def test_sizes_need_no_second_page_of_200(tagged):
    answer = tagged.get("/v2/sizes?page=1&per_page=200")
    assert "links" not in answer
    gpus = {size["slug"] for size in answer["sizes"] if "gpu_info" in size}
    assert {"gpu-h100x1-80gb", "gpu-h200x8-1128gb", "gpu-mi300x1-192gb"} <= gpus
