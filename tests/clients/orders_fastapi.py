"""An API as FastAPI makes one, with its defaults and uvicorn's: /v1/orders is redirected to /v1/orders/."""

import sys

import fastapi
import uvicorn
from fastapi.responses import JSONResponse, RedirectResponse

app = fastapi.FastAPI()


@app.get("/v1/orders/")
def orders(request: fastapi.Request):
    return {"orders": [], "url": str(request.url)}


@app.get("/v1/orders/{number}")
def order(number: int):
    return {"number": number}


@app.post("/v1/orders/")
def make(request: fastapi.Request):
    return JSONResponse({}, 201, {"location": str(request.url_for("order", number=7))})


@app.get("/v1/pages")
def pages(request: fastapi.Request):
    link = f'<{request.url.include_query_params(page=2)}>; rel="next"'
    return JSONResponse([], headers={"link": link, "content-location": "/v1/pages?page=1"})


@app.get("/v1/login")
def log_in():
    response = RedirectResponse("/v1/orders/", 303)
    response.set_cookie("session", "a", path="/v1")
    return response


@app.get("/v1/away")
def away():
    return RedirectResponse("https://example.org/terms")


@app.get("/v1/none-of-yours")
def refuse():
    return JSONResponse({"detail": "not yours"}, 403)


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
